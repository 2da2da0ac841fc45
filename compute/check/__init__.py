"""Check a new machine: its hardware, its agreement with a CPU, and its speed."""
