"""One face in many poses and expressions: the grid, the frames, the files made of them."""
