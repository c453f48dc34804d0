"""What all pages share: the service, the sidebar, the address, polling, sign-in and the frame."""
