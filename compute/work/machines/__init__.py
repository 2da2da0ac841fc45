"""Where units run: processes of this machine, or a Ray cluster (``ray``)."""
