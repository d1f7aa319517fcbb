"""zhijian: hears and reads every customer-service conversation and explains every point it gives."""

__version__ = "0.1.0"
