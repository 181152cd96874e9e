"""Container images: OCI layouts and `docker save` archives, layer by layer, nothing unpacked.

Sources: OCI Image Format Specification 1.1 (image-layout, index, manifest, config, layer) and the
Docker Image Specification 1.3 for what `docker save` writes. What an image says of itself is
believed only where its digest agrees; a name in it is never a path outside of it.
"""
