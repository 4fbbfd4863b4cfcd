"""Machines of physical memory."""
