"""Readers of the supported data sets, and the split into training, validation and test."""
