"""Machines of virtual memory."""
