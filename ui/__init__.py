"""What the pages share on the screen: the chart component, the live rows, the choices in the address."""
