"""Physical memory: who owns each page frame."""
