"""The whole way from event to retrigger, simulated: thousands of histories, each from one seed; see `__main__`."""
