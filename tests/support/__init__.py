"""Real programs for tests and benchmarks: started on free ports, ended by their own pid."""
