"""Reports as signed JSON, at an address."""
