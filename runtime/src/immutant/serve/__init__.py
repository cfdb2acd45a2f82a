"""One replica's application: a supervisor that runs no user code, and its child that does."""
