"""What one visitor holds, as values and plain methods: no Streamlit, no pictures, no threads."""
