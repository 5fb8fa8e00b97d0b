"""Plain `torch.nn` networks: no files, no pictures, no devices."""
