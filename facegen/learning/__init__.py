"""Learning dials from labelled and measured faces; nothing here runs at a drag."""
