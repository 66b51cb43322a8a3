"""Where pushes are reported: one module or package for each kind of report."""
