"""Tool servers: sessions, catalogues and calls over the Model Context Protocol."""
