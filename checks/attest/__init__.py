"""What a scan attests of an image or a tree, signed; and whether such a word is good enough."""
