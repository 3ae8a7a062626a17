"""Every flight that left New York in 2013, and the tables that explain its codes."""
