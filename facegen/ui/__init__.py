"""The browser interface (Streamlit): one file a page; what needs no Streamlit is in `session`."""
