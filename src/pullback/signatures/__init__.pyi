"""Types of what is made from declarations, for type checkers alone."""
