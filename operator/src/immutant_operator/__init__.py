"""The operator: turns an ImmutantApp into what runs it, and keeps it so."""
