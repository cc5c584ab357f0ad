// The API's document as a page. What is called from it is sent with the key typed into "Authorize",
// which is kept nowhere.
(() => {
  const place = document.getElementById("api-docs");
  if (matchMedia("(prefers-color-scheme: dark)").matches) {
    document.documentElement.classList.add("dark-mode");
  }
  SwaggerUIBundle({
    url: place.dataset.document,
    domNode: place,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    filter: true,
    tryItOutEnabled: true,
    persistAuthorization: false,
    validatorUrl: null,
    // A cookie would decide where no key was typed, and ask for a page's token.
    requestInterceptor: (request) => ({ ...request, credentials: "omit" }),
  });
})();
