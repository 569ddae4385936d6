"""What the product does, one noun a file. Every operation is load → decide → commit."""
