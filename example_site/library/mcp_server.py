"""The MCP server: the catalogue as tools for language models."""

from __future__ import annotations

from mcp.server import MCPServer

from .catalogue import Book, Catalogue


def mcp_server(books: Catalogue) -> MCPServer:
    """A server whose tools ask *books*."""
    server = MCPServer("library", instructions="Books in the public domain.")

    @server.tool()
    async def search_books(words: str = "") -> list[Book]:
        """Every book with all the words in its title or author; all for none."""
        return await books.search(words)

    @server.tool()
    async def find_book(number: int) -> Book:
        """The book of that number, with its opening sentence."""
        found = await books.find(number)
        if found is None:
            raise ValueError(f"The library has no book of the number {number}.")
        return found

    return server
