"""The browser interface (Streamlit). One file per page; pure logic in `state`."""
