"""The receiver: takes the events of many hosts, keeps what is open, and shows it."""
