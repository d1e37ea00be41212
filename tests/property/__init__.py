"""Claims that hold for any data and any request, tried with random ones."""
