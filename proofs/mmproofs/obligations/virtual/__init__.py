"""What is proved of virtual memory."""
