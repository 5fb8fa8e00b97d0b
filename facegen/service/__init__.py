"""Behind the app: pictures, loading, measuring and sweeps, shared by all visitors."""
