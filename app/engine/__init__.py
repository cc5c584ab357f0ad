"""The seam to WhatsApp: commands, events, errors in our own words, and the engine behind them."""
