"""The Guide tab: a page that belongs to no family."""

from playground.tabs.guide.page import Guide

PAGE = Guide
