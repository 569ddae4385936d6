"""Alert Whisperer: from the alerts of many companies to incidents with a reason."""

__version__ = "0.1.0"
