"""The Compare tab: a page that belongs to no family."""

from playground.tabs.compare.page import Compare

PAGE = Compare
