"""A library of people on one's own machine: kept, named, found again, with their history."""
