"""What the product knows: values and pure functions, one noun a file. No clock, no ids, no I/O."""
