"""The MCP server: the catalogue as tools for language models."""

from __future__ import annotations

from mcp.server import MCPServer

from .catalogue import Book, Catalogue


def mcp_server(books: Catalogue) -> MCPServer:
    """Return a server with tools that search *books*."""
    server = MCPServer("library", instructions="Books in the public domain.")

    @server.tool()
    async def search_books(words: str = "") -> list[Book]:
        """The books with all the words in title or author; without words, all."""
        return await books.search(words)

    @server.tool()
    async def find_book(number: int) -> Book:
        """The book with that number, and its first sentence."""
        found = await books.find(number)
        if found is None:
            raise ValueError(f"The library has no book with the number {number}.")
        return found

    return server
