"""The report's sections, one file each."""
