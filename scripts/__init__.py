"""Commands that make the pictures and numbers of the documentation."""
