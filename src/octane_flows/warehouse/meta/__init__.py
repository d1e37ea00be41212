"""`meta.*`: what the warehouse tells about itself, one table for each subject."""
