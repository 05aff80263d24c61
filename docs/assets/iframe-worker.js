// Browsers start no worker for a page that was opened as a file. The search's worker is then run in
// a hidden frame, which talks through the same messages. The frame has no content of its own.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.onmessage = this.onerror = null;
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.appendChild(this.frame);
      const inner = this.frame.contentWindow;
      const hear = (event) => {
        const message = new MessageEvent("message", { data: event.data });
        if (this.onmessage) this.onmessage(message);
        this.dispatchEvent(message);
      };
      inner.document.write(
        "<script>" +
          "var listeners = [];" +
          "self.postMessage = function (data) { setTimeout(function () { self.reply({ data: data }); }); };" +
          "self.importScripts = function () {" +
          "  return Promise.all(Array.from(arguments).map(function (url) {" +
          "    return new Promise(function (done, fail) {" +
          "      var script = document.createElement('script');" +
          "      script.src = new URL(url, self.base); script.onload = done; script.onerror = fail;" +
          "      document.body.appendChild(script);" +
          "    });" +
          "  }));" +
          "};" +
          "</scr" + "ipt><body>"
      );
      inner.document.close();
      inner.reply = hear;
      inner.base = new URL(url, location.href).href;
      this.ready = inner.importScripts(inner.base);
    }
    postMessage(data) {
      this.ready.then(() => {
        const inner = this.frame.contentWindow;
        const message = new MessageEvent("message", { data });
        if (inner.onmessage) inner.onmessage(message);
        inner.dispatchEvent(message);
      });
    }
    terminate() {
      this.frame.remove();
    }
  };
}
