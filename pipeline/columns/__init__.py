"""Pure kernels on columns: no I/O, no clock, no state that outlives a call."""
