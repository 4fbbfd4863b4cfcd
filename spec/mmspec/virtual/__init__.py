"""Virtual memory: what an address means, and who may use it."""
