"""Several processes on one machine that do the same work: started, watched and started again by one supervisor.

The supervisor (`supervisor`) does nothing else, so there is little in it that could fail. Each worker is a fresh
process in a `seat`; what it dies of it writes into its `errorfile`, before that becomes the death of others, too.
`crashes` puts together what died together, and `keeping` writes it to the store. `running` is the worker's side.
"""
