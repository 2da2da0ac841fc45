"""The unit of work, its files, and which of them are still to be done."""
