"""Registers: lists of what a house keeps beside its matters, one record, and records from and to spreadsheets."""
