"""What the Streamlit pages share: caches, the sidebar's selection, small panels, charts."""
