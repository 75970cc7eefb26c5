"""Attacks from outside on servers and clients that run in processes of their own."""
