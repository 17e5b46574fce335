"""The documents that headquarters and monitors exchange on the ground line. Pure: no input or output, no clock."""
