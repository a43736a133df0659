"""The shelf: books in the public domain, by their Project Gutenberg number."""

from __future__ import annotations

from typing import Final, NamedTuple


class ShelvedBook(NamedTuple):
    """One book, as the service sends it."""

    number: int
    title: str
    author: str
    year: int


_BOOKS: Final = (
    ShelvedBook(2600, "War and Peace", "Leo Tolstoy", 1869),
    ShelvedBook(1399, "Anna Karenina", "Leo Tolstoy", 1878),
    ShelvedBook(2554, "Crime and Punishment", "Fyodor Dostoevsky", 1866),
    ShelvedBook(28054, "The Brothers Karamazov", "Fyodor Dostoevsky", 1880),
    ShelvedBook(996, "Don Quixote", "Miguel de Cervantes", 1605),
    ShelvedBook(135, "Les Misérables", "Victor Hugo", 1862),
    ShelvedBook(1257, "The Three Musketeers", "Alexandre Dumas", 1844),
    ShelvedBook(1184, "The Count of Monte Cristo", "Alexandre Dumas", 1846),
    ShelvedBook(164, "Twenty Thousand Leagues under the Sea", "Jules Verne", 1870),
    ShelvedBook(103, "Around the World in Eighty Days", "Jules Verne", 1873),
    ShelvedBook(5200, "Metamorphosis", "Franz Kafka", 1915),
    ShelvedBook(521, "Robinson Crusoe", "Daniel Defoe", 1719),
    ShelvedBook(829, "Gulliver's Travels", "Jonathan Swift", 1726),
    ShelvedBook(161, "Sense and Sensibility", "Jane Austen", 1811),
    ShelvedBook(1342, "Pride and Prejudice", "Jane Austen", 1813),
    ShelvedBook(141, "Mansfield Park", "Jane Austen", 1814),
    ShelvedBook(158, "Emma", "Jane Austen", 1815),
    ShelvedBook(105, "Persuasion", "Jane Austen", 1817),
    ShelvedBook(84, "Frankenstein", "Mary Shelley", 1818),
    ShelvedBook(46, "A Christmas Carol", "Charles Dickens", 1843),
    ShelvedBook(98, "A Tale of Two Cities", "Charles Dickens", 1859),
    ShelvedBook(1400, "Great Expectations", "Charles Dickens", 1861),
    ShelvedBook(1260, "Jane Eyre", "Charlotte Brontë", 1847),
    ShelvedBook(768, "Wuthering Heights", "Emily Brontë", 1847),
    ShelvedBook(145, "Middlemarch", "George Eliot", 1871),
    ShelvedBook(11, "Alice's Adventures in Wonderland", "Lewis Carroll", 1865),
    ShelvedBook(12, "Through the Looking-Glass", "Lewis Carroll", 1871),
    ShelvedBook(120, "Treasure Island", "Robert Louis Stevenson", 1883),
    ShelvedBook(
        43,
        "The Strange Case of Dr. Jekyll and Mr. Hyde",
        "Robert Louis Stevenson",
        1886,
    ),
    ShelvedBook(174, "The Picture of Dorian Gray", "Oscar Wilde", 1890),
    ShelvedBook(844, "The Importance of Being Earnest", "Oscar Wilde", 1895),
    ShelvedBook(244, "A Study in Scarlet", "Arthur Conan Doyle", 1887),
    ShelvedBook(1661, "The Adventures of Sherlock Holmes", "Arthur Conan Doyle", 1892),
    ShelvedBook(2852, "The Hound of the Baskervilles", "Arthur Conan Doyle", 1902),
    ShelvedBook(35, "The Time Machine", "H. G. Wells", 1895),
    ShelvedBook(36, "The War of the Worlds", "H. G. Wells", 1898),
    ShelvedBook(345, "Dracula", "Bram Stoker", 1897),
    ShelvedBook(236, "The Jungle Book", "Rudyard Kipling", 1894),
    ShelvedBook(219, "Heart of Darkness", "Joseph Conrad", 1899),
    ShelvedBook(289, "The Wind in the Willows", "Kenneth Grahame", 1908),
    ShelvedBook(16, "Peter Pan", "J. M. Barrie", 1911),
    ShelvedBook(2814, "Dubliners", "James Joyce", 1914),
    ShelvedBook(2701, "Moby-Dick", "Herman Melville", 1851),
    ShelvedBook(205, "Walden", "Henry David Thoreau", 1854),
    ShelvedBook(514, "Little Women", "Louisa May Alcott", 1868),
    ShelvedBook(74, "The Adventures of Tom Sawyer", "Mark Twain", 1876),
    ShelvedBook(76, "Adventures of Huckleberry Finn", "Mark Twain", 1884),
    ShelvedBook(55, "The Wonderful Wizard of Oz", "L. Frank Baum", 1900),
    ShelvedBook(215, "The Call of the Wild", "Jack London", 1903),
    ShelvedBook(45, "Anne of Green Gables", "L. M. Montgomery", 1908),
    ShelvedBook(113, "The Secret Garden", "Frances Hodgson Burnett", 1911),
)

SHELF: Final = {book.number: book for book in _BOOKS}


def search(words: str) -> list[ShelvedBook]:
    """Every book with all *words* in its title or author; all books for none."""
    wanted = words.casefold().split()
    return [
        book
        for book in _BOOKS
        if all(word in f"{book.title} {book.author}".casefold() for word in wanted)
    ]
