"""Units on Ray: more than one GPU or machine.  Nothing else imports ``ray``."""
